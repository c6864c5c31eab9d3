// Where codes come from: a wedge scanner or fingers in the field, a photo, the camera where the browser reads codes.

import { the } from "./scan_cards.js";

const FORMATS = ["data_matrix", "qr_code", "code_128", "ean_13", "ean_8", "upc_a", "itf", "pdf417"];
const AGAIN_MS = 2500; // the same code held before the camera is one scan

/**
 * @param {(text: string) => void} scanned
 * @param {(file: File) => Promise<void>} photographed
 */
export function listen(scanned, photographed) {
  const field = the("text", HTMLInputElement);
  const reader = the("read", HTMLButtonElement);
  the("form", HTMLFormElement).addEventListener("submit", (event) => {
    // A form may hold more than a code: its other buttons send it.
    if (event.submitter && event.submitter !== reader) return;
    event.preventDefault();
    const text = field.value;
    field.value = "";
    field.focus();
    scanned(text);
  });
  // A wedge scanner may send the group separator as a control key; the field would swallow it.
  field.addEventListener("keydown", (event) => {
    if (event.key === "F8" || (event.ctrlKey && event.key === "]")) {
      event.preventDefault();
      const end = field.value.length;
      field.setRangeText("\u001d", field.selectionStart ?? end, field.selectionEnd ?? end, "end");
    }
  });
  // A wedge types wherever the thumb was last: letters that no field wants are a scan.
  document.addEventListener("keydown", (event) => {
    const free = !(event.target instanceof Element) || !event.target.closest("input, select, textarea");
    if (free && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey)
      field.focus({ preventScroll: true });
  });
  const photo = the("photo", HTMLInputElement);
  photo.addEventListener("change", async () => {
    const file = photo.files?.[0];
    if (file) await photographed(file);
    photo.value = "";
  });
  new Camera(scanned).offer();
}

class Camera {
  /** @param {(text: string) => void} scanned */
  constructor(scanned) {
    this.scanned = scanned;
    this.button = the("camera", HTMLButtonElement);
    this.video = the("video", HTMLVideoElement);
    this.viewfinder = the("viewfinder", HTMLElement);
    /** @type {MediaStream | null} */
    this.picture = null;
    this.last = { text: "", at: 0 };
  }

  /** Shows its button where the browser can read codes. */
  offer() {
    const canSee = async () => {
      if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return false;
      return (await BarcodeDetector.getSupportedFormats()).includes("data_matrix");
    };
    canSee()
      .then((can) => {
        this.button.hidden = !can;
      })
      .catch(() => {});
    this.button.addEventListener("click", () => this.toggle().catch(() => this.fail()));
  }

  fail() {
    this.button.hidden = true;
    this.picture = null;
    this.viewfinder.hidden = true;
  }

  async toggle() {
    const words = this.button.textContent;
    this.button.textContent = this.button.dataset.stop ?? "";
    this.button.dataset.stop = words;
    this.viewfinder.hidden = Boolean(this.picture);
    if (this.picture) {
      for (const track of this.picture.getTracks()) track.stop();
      this.picture = null;
      return;
    }
    this.picture = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    this.video.srcObject = this.picture;
    await this.video.play();
    const can = await BarcodeDetector.getSupportedFormats();
    this.look(new BarcodeDetector({ formats: FORMATS.filter((format) => can.includes(format)) }));
  }

  /** @param {BarcodeDetector} detector */
  async look(detector) {
    if (!this.picture) return;
    try {
      const [code] = await detector.detect(this.video);
      if (code && (code.rawValue !== this.last.text || Date.now() - this.last.at > AGAIN_MS)) {
        this.last = { text: code.rawValue, at: Date.now() };
        this.scanned(code.rawValue);
      }
    } catch {
      // A frame that is not ready yet; the next one is.
    }
    setTimeout(() => this.look(detector), 120);
  }
}
