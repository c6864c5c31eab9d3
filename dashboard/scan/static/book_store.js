// Where the phone keeps its book of steps, its holdings and what it knows of the clock. Nothing here decides anything.

/**
 * @typedef {object} Handset this browser in the hands of one account: its steps are one chain
 * @property {string} user
 * @property {string} id UUIDv7
 * @property {string} facility where it is at home
 * @property {number} number of the last step; 0 before the first
 * @property {string} hash of the last step
 * @property {boolean} known whether the server knows it
 * @typedef {"waiting" | "done" | "conflict" | "behind" | "dropped"} StepState `behind`: builds upon a conflict
 * @typedef {object} Effect closed vials more or fewer in a place, until the server's holdings tell it
 * @property {string} place
 * @property {string} batch
 * @property {string} status
 * @property {number} vials
 * @typedef {object} Shown what the list of steps says of one, and what undoing it needs
 * @property {string} job
 * @property {string} text
 * @property {boolean} undoable
 * @property {string} [box]
 * @property {"approval" | "cancel" | "unpack" | "receipt" | "take_back" | "reversal"} [way] how it is undone; `cancel` gives up its shipment: the one it names, or else the one it makes
 * @property {string} [of] the shipment of a receipt
 * @property {{ batch: string, vials: number }[]} [came] what of it came, good or not
 * @property {string} [undoes] the step that it takes back
 * @property {string} [shipment] the shipment that it ends, or changes
 * @property {Omit<import("./holdings.js").Shipment, "id">} [made] the shipment that it makes, under the step's own id
 * @property {string} [becomes] the state of the shipment after it; without one it is ended here
 * @property {number[]} [approved] vials that it approves, by line of the order
 * @property {string} [openVial] the open vial that it ends
 * @property {{ id: string, to: string, at: string, until?: string | null }} [guest] whom it brings where at a desk (`until`: deferred); without an id who came with this step
 * @property {string} [vial] the open vial that a dose of it came from
 * @property {{ batch: string, place: string, doses_per_vial: number, opened_at: string, discard_by: string }} [opened] the vial it opened
 * @property {number} [doses] thrown away of it
 * @typedef {object} Step
 * @property {string} handset
 * @property {number} number
 * @property {string} id
 * @property {string} at
 * @property {string} text the very text that is hashed and sent
 * @property {string} hash
 * @property {StepState} state
 * @property {string} [code] why it was not taken
 * @property {string} [said] the same as a sentence
 * @property {boolean} [sheet] a count that waits on its sheet for a second person, a reason or the rest of the place
 * @property {Effect[]} effects
 * @property {Shown} shown
 */

const NAME = "rantai-langkah";

/** @type {Promise<IDBDatabase> | null} opened once: a cheap phone takes its time over it */
let kept = null;

/** @returns {Promise<IDBDatabase>} */
function opened() {
  kept ??= opening().catch((error) => {
    kept = null;
    throw error;
  });
  return kept;
}

/** @returns {Promise<IDBDatabase>} */
function opening() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("handsets", { keyPath: "user" });
      asked.result.createObjectStore("steps", { keyPath: ["handset", "number"] });
      asked.result.createObjectStore("notes");
    };
    asked.onsuccess = () => {
      // Another tab wipes the phone, or a newer version wants in: this one must not stand in the way.
      asked.result.onversionchange = () => {
        asked.result.close();
        kept = null;
      };
      asked.result.onclose = () => {
        kept = null;
      };
      resolve(asked.result);
    };
    asked.onerror = asked.onblocked = () => reject(asked.error ?? new Error("blocked"));
  });
}

/**
 * @template R
 * @param {IDBRequest<R>} request
 * @returns {Promise<R>}
 */
const answered = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * One transaction, on the disk before it is answered.
 * @template R
 * @param {IDBTransactionMode} mode
 * @param {(table: (name: "handsets" | "steps" | "notes") => IDBObjectStore) => Promise<R>} act
 * @returns {Promise<R>}
 */
async function within(mode, act) {
  const database = await opened();
  const work = database.transaction(["handsets", "steps", "notes"], mode, { durability: "strict" });
  const ended = new Promise((resolve, reject) => {
    work.oncomplete = () => resolve(undefined);
    work.onerror = work.onabort = () => reject(work.error ?? new Error("aborted"));
  });
  const [result] = await Promise.all([act((name) => work.objectStore(name)), ended]);
  return result;
}

/** @param {string} handset */
const all = (handset) => IDBKeyRange.bound([handset, 0], [handset, Number.MAX_SAFE_INTEGER]);

export class Store {
  /** @param {string} user @returns {Promise<Handset | null>} */
  async handset(user) {
    return (await within("readonly", (table) => answered(table("handsets").get(user)))) ?? null;
  }

  /** @param {Handset} handset */
  async keepHandset(handset) {
    await within("readwrite", (table) => answered(table("handsets").put(handset)));
  }

  /**
   * The handset as it stands, changed in some of its parts.
   * @param {string} user
   * @param {Partial<Handset>} change
   */
  async changeHandset(user, change) {
    await within("readwrite", async (table) => {
      const found = await answered(table("handsets").get(user));
      if (found) await answered(table("handsets").put({ ...found, ...change }));
    });
  }

  /**
   * Writes a step behind the one it follows; false where another tab was faster, and nothing was written.
   * @param {string} user
   * @param {Step} step
   * @param {string} before hash of the step that it follows
   * @returns {Promise<boolean>}
   */
  async append(user, step, before) {
    return await within("readwrite", async (table) => {
      const found = /** @type {Handset | undefined} */ (await answered(table("handsets").get(user)));
      if (!found || found.hash !== before || found.number !== step.number - 1) return false;
      await answered(table("steps").add(step));
      await answered(table("handsets").put({ ...found, number: step.number, hash: step.hash }));
      return true;
    });
  }

  /** @param {string} handset @returns {Promise<Step[]>} in order */
  async steps(handset) {
    return await within("readonly", (table) => answered(table("steps").getAll(all(handset))));
  }

  /** @param {Step[]} steps */
  async keepSteps(steps) {
    await within("readwrite", async (table) => {
      for (const step of steps) await answered(table("steps").put(step));
    });
  }

  /** @param {Step[]} steps */
  async forget(steps) {
    await within("readwrite", async (table) => {
      for (const step of steps) await answered(table("steps").delete([step.handset, step.number]));
    });
  }

  /** How many steps of other accounts wait on this phone. @param {string} user */
  async ofOthers(user) {
    return await within("readonly", async (table) => {
      const handsets = /** @type {Handset[]} */ (await answered(table("handsets").getAll()));
      let waiting = 0;
      for (const { id } of handsets.filter((handset) => handset.user !== user)) {
        const steps = /** @type {Step[]} */ (await answered(table("steps").getAll(all(id))));
        waiting += steps.filter((step) => step.state === "waiting").length;
      }
      return waiting;
    });
  }

  /** @param {string} key @returns {Promise<any>} */
  async note(key) {
    return await within("readonly", (table) => answered(table("notes").get(key)));
  }

  /** @param {string} key @param {unknown} value */
  async keepNote(key, value) {
    await within("readwrite", (table) => answered(table("notes").put(value, key)));
  }

  /** Leaves nothing of anybody on the phone. */
  async wipe() {
    // Emptied first: deleting waits for tabs that still hold it open.
    await within("readwrite", async (table) => {
      for (const name of /** @type {const} */ (["handsets", "steps", "notes"])) await answered(table(name).clear());
    });
    indexedDB.deleteDatabase(NAME);
  }
}
