/**
 * Throws where a Dockerfile takes an image that it does not name by its digest: a tag may be another image tomorrow.
 * `scratch`, and stages of the file itself, are none.
 */
export function requirePinned(dockerfile: string): void {
  const stages = new Set(['scratch']);
  for (const [, image = '', stage] of dockerfile.matchAll(/^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$/gim)) {
    if (!stages.has(image) && !/@sha256:[0-9a-f]{64}$/.test(image)) {
      throw new Error(
        `deploy/Dockerfile takes ${image} without a digest: write ${image.replace(/@.*/, '')}@sha256:…, as ` +
          `"docker buildx imagetools inspect ${image}" says`,
      );
    }
    if (stage !== undefined) stages.add(stage);
  }
}
