// What a picture calls for, by its first bytes.

export async function isJpeg(file) {
  const start = new Uint8Array(await file.slice(0, 3).arrayBuffer());
  return start[0] === 0xff && start[1] === 0xd8 && start[2] === 0xff;
}

// The task that "auto" stands for, so that the page can say it beforehand.
export async function taskFor(file, task) {
  if (task !== "auto") return task;
  return (await isJpeg(file)) ? "photo" : "upscale";
}

export const keepsSize = (task) => task === "denoise" || task === "dejpeg";
export const hasStrength = (task) => task !== "upscale";
