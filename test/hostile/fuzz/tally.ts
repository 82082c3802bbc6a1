/** How many documents were taken, and how many were refused. */
export interface Tally {
  valid: number;
  invalid: number;
}
