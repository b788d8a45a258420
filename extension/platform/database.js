const STORE = "items";

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @param {IDBTransaction} transaction */
const completion = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(undefined);
    transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
  });

/**
 * Keys and values in the extension's own IndexedDB, which scripts in pages do not see: theirs is the page's. It has the
 * methods of a `StorageArea`; each is one transaction, done whole or not at all, and rejects where the browser refuses it.
 */
export class Database {
  static NAME = "poterne";

  #name;
  #factory;
  /** @type {Promise<IDBDatabase> | null} */
  #opened = null;

  /**
   * @param {string} [name]
   * @param {IDBFactory} [factory]
   */
  constructor(name = Database.NAME, factory = indexedDB) {
    this.#name = name;
    this.#factory = factory;
  }

  /**
   * @param {string | string[] | null} keys  null: all
   * @returns {Promise<Record<string, any>>}
   */
  async get(keys) {
    const store = (await this.#open()).transaction(STORE).objectStore(STORE);
    const names = keys === null ? await answer(store.getAllKeys()) : [keys].flat();
    const found = await Promise.all(names.map(async (name) => [name, await answer(store.get(name))]));
    return Object.fromEntries(found.filter(([, value]) => value !== undefined));
  }

  /** @param {Record<string, unknown>} items */
  set(items) {
    return this.#change((store) => Object.entries(items).forEach(([name, value]) => store.put(value, name)));
  }

  /** @param {string | string[]} keys */
  remove(keys) {
    return this.#change((store) => [keys].flat().forEach((name) => store.delete(name)));
  }

  /** @param {(store: IDBObjectStore) => void} step */
  async #change(step) {
    const transaction = (await this.#open()).transaction(STORE, "readwrite");
    const done = completion(transaction);
    step(transaction.objectStore(STORE));
    await done;
  }

  #open() {
    return (this.#opened ??= this.#connect());
  }

  async #connect() {
    try {
      const request = this.#factory.open(this.#name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      const database = await answer(request);
      // Closed by the browser (its data was erased), or asked to make way: the next call opens it again.
      database.onclose = () => (this.#opened = null);
      database.onversionchange = () => {
        database.close();
        this.#opened = null;
      };
      return database;
    } catch (error) {
      this.#opened = null;
      throw error;
    }
  }
}
