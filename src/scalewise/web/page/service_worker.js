// Service worker: keeps the page's own files, so that the installed page opens while the server is
// stopped.  The network comes first, so that a new version shows at once.  Images, results and
// answers of the interface below /v1 are never kept, and are not even looked at.

const SHELL = "scalewise-shell";

const isShell = (url) => url.origin === location.origin && !url.search && (url.pathname === "/" || url.pathname.startsWith("/page/"));

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(keepShell());
});

addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && isShell(new URL(request.url))) event.respondWith(answer(request));
});

// The page names its files in the document and in its modules; those are what is kept.
async function keepShell() {
  const shell = await caches.open(SHELL);
  const waiting = ["/", "/page/manifest.webmanifest"];
  const seen = new Set(waiting);
  while (waiting.length) {
    const address = waiting.pop();
    const found = await fetch(address);
    if (!isWhole(found)) continue;
    await shell.put(address, found.clone());
    if (!/html|javascript|json/.test(found.headers.get("Content-Type"))) continue;
    for (const name of namesIn(await found.text())) {
      if (!seen.has(name)) waiting.push(name);
      seen.add(name);
    }
  }
}

function namesIn(text) {
  const named = [...text.matchAll(/["'](?:\/page\/|\.\/)([\w.-]+)["']/g)];
  return named.map(([, name]) => `/page/${name}`);
}

async function answer(request) {
  const shell = await caches.open(SHELL);
  try {
    const found = await fetch(request);
    if (isWhole(found)) await shell.put(request, found.clone());
    return found;
  } catch (error) {
    const kept = await shell.match(request, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}

// Neither errors nor redirections, such as the one that takes the token out of the address.
const isWhole = (found) => found.ok && !found.redirected && found.type === "basic";
