// HTTP client of the endpoints that docs/web.md describes.

const MOST_FOLDER = 4000; // of a path, as the server takes it

async function json(response) {
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

export async function problemOf(response) {
  const retry = Number(response.headers.get("Retry-After")) || null;
  return new Problem(response.status, await detail(response.text()), retry);
}

export class Problem extends Error {
  constructor(status, message, retry = null) {
    super(message);
    this.status = status;
    this.retry = retry;
  }
}

async function detail(text) {
  try {
    return JSON.parse(await text).detail;
  } catch {
    return "the server gave an unexpected answer";
  }
}

export const limits = async () => json(await fetch("/v1/limits"));
export const tasks = async () => json(await fetch("/v1/tasks"));
export const uploads = async () => json(await fetch("/v1/uploads"));

export async function cancel(id) {
  await fetch(`/v1/jobs/${id}`, { method: "DELETE" });
}

export const resultOf = (id) => `/v1/jobs/${id}/result`;
export const overviewOf = (id, side, size) => `/v1/jobs/${id}/overview?side=${side}&size=${size}`;
export const regionOf = (id, part) => `/v1/jobs/${id}/region?${new URLSearchParams(part)}`;
export const zipOf = (ids) => `/v1/results.zip?${new URLSearchParams(ids.map((id) => ["id", id]))}`;
export const uploadOverviewOf = (id, size) => `/v1/uploads/${id}/overview?size=${size}`;

export async function forget(upload) {
  await fetch(`/v1/uploads/${upload}`, { method: "DELETE" });
}

// Restore an upload, which came from a folder or ""; returns the job.
export async function start(upload, options, folder) {
  const form = new FormData();
  const fields = { ...options, ...(folder && { folder: folder.slice(-MOST_FOLDER) }), upload };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  let response;
  try {
    response = await fetch("/v1/restore", { method: "POST", body: form });
  } catch {
    throw new Problem(0, "the server does not answer");
  }
  return json(response);
}

// Send an image; `told` receives the sent part, in [0, 1], which fetch does not report.
export function upload(file, name, told, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file_name", encodeURIComponent(name)); // exact: a form escapes quotes, but not "%"
    form.append("file", file, name);
    request.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total);
    request.onerror = () => reject(new Problem(0, "the server does not answer"));
    request.onabort = () => reject(new Problem(0, "cancelled"));
    request.onload = async () => {
      if (request.status === 201) return resolve(JSON.parse(request.responseText));
      const retry = Number(request.getResponseHeader("Retry-After")) || null;
      reject(new Problem(request.status, await detail(request.responseText), retry));
    };
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", "/v1/uploads");
    request.send(form);
  });
}
