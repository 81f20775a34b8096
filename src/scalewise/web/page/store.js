// Images that survive a reload, in IndexedDB: their files until the results are finished, and a
// small record of each image as long as it is listed.

const NAME = "scalewise";
const [RECORDS, FILES] = ["images", "files"];
const ANSWERS_WITHIN = 250;

export class Store {
  // Open the database.  Where the browser has none, as in some private windows, nothing is kept.
  async open() {
    this.database = await new Promise((resolve) => {
      try {
        const request = indexedDB.open(NAME, 1);
        request.onupgradeneeded = () => {
          request.result.createObjectStore(RECORDS, { keyPath: "key" });
          request.result.createObjectStore(FILES);
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = request.onblocked = () => resolve(null);
      } catch {
        resolve(null);
      }
    });
    [this.tab, this.otherTabs] = await claimTab();
  }

  // Return the records of this tab and of tabs that were closed, each with its file or null.
  async load() {
    const records = (await this.run([RECORDS], "readonly", (records) => records.getAll())) ?? [];
    const ours = records.filter((record) => !this.otherTabs.has(record.tab));
    for (const record of ours) {
      record.file = (await this.run([FILES], "readonly", (files) => files.get(record.key))) ?? null;
      if (record.tab !== this.tab) this.save(record);
    }
    return ours;
  }

  save({ file: _, ...record }) {
    return this.run([RECORDS], "readwrite", (records) => records.put({ ...record, tab: this.tab }));
  }

  // Keep a file; returns false if there is no room for it.
  async saveFile(key, file) {
    return (await this.run([FILES], "readwrite", (files) => files.put(file, key))) === key;
  }

  dropFile(key) {
    return this.run([FILES], "readwrite", (files) => files.delete(key));
  }

  delete(key) {
    return this.run([RECORDS, FILES], "readwrite", (records, files) => {
      records.delete(key);
      return files.delete(key);
    });
  }

  // Do something with object stores; returns its result once it is on disk, undefined if it failed.
  run(names, mode, act) {
    if (!this.database) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      try {
        const transaction = this.database.transaction(names, mode);
        const request = act(...names.map((name) => transaction.objectStore(name)));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = transaction.onerror = () => resolve(undefined);
      } catch {
        resolve(undefined);
      }
    });
  }
}

// Return this tab's name, which a reload keeps, and the names of the other open tabs.  Without
// this, a second tab would send the files of the first once more.
async function claimTab() {
  const others = new Set();
  let tab = sessionStorage.getItem("scalewise-tab") ?? newKey();
  const channel = new BroadcastChannel("scalewise-tabs");
  channel.onmessage = ({ data }) => {
    if (data.asks) channel.postMessage({ answers: tab });
    else others.add(data.answers);
  };
  channel.postMessage({ asks: true });
  await new Promise((resolve) => setTimeout(resolve, ANSWERS_WITHIN));
  if (others.has(tab)) tab = newKey(); // this tab is a copy of an open one
  sessionStorage.setItem("scalewise-tab", tab);
  return [tab, others];
}

// crypto.randomUUID is not there on pages without TLS.
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
