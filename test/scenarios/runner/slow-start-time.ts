/** Of a slow start of an hour, the longest there is: an endpoint has one eighth of its share more after so many milliseconds. */
export const EIGHTH = 3_600_000 / 8;
