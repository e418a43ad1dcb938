// The browser's storage as a flat folder of files: the origin's private file system, or IndexedDB
// where that is missing. What the files mean, and why a tab may be killed between any two jobs, is
// said in src/files/storage.rs.

const FOLDER = "sasr-studio";

/// Opens the storage. `each(file, bytes, changed)` is told every file that is there.
export async function openStorage(each) {
  const tried = [];
  for (const open of [openPrivateFiles, openDatabase]) {
    try {
      return await open(each);
    } catch (error) {
      tried.push(error?.message ?? String(error));
    }
  }
  throw new Error(tried.join("; "));
}

async function openPrivateFiles(each) {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  // Older browsers list files but cannot write them from a worker at once.
  const probe = await folder.getFileHandle("probe", { create: true });
  (await probe.createSyncAccessHandle()).close();
  await folder.removeEntry("probe");
  for await (const [name, handle] of folder.entries()) {
    const file = await handle.getFile();
    each(name, new Uint8Array(await file.arrayBuffer()), file.lastModified);
  }
  return {
    kind: "private files",
    async write(name, at, bytes) {
      const handle = await folder.getFileHandle(name, { create: true });
      const access = await handle.createSyncAccessHandle();
      try {
        access.truncate(at);
        const wrote = access.write(bytes, { at });
        if (wrote !== bytes.length) throw new Error("the browser's storage is full");
        access.flush();
      } finally {
        access.close();
      }
    },
    async remove(name) {
      await folder.removeEntry(name).catch((error) => {
        if (error.name !== "NotFoundError") throw error;
      });
    },
  };
}

const settled = (request) =>
  new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });

async function openDatabase(each) {
  const opening = indexedDB.open(FOLDER, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("files");
  const database = await settled(opening);
  const store = (mode) => database.transaction("files", mode, { durability: "strict" }).objectStore("files");
  for (const name of await settled(store("readonly").getAllKeys())) {
    const { bytes, changed } = await settled(store("readonly").get(name));
    each(name, bytes, changed);
  }
  return {
    kind: "database",
    async write(name, at, bytes) {
      const before = at > 0 ? await settled(store("readonly").get(name)) : undefined;
      const whole = new Uint8Array(at + bytes.length);
      if (before) whole.set(before.bytes.subarray(0, at));
      whole.set(bytes, at);
      await settled(store("readwrite").put({ bytes: whole, changed: Date.now() }, name));
    },
    async remove(name) {
      await settled(store("readwrite").delete(name));
    },
  };
}
