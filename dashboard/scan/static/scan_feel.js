// What a scan or a step is answered with at once: colour, word, sound and vibration together, for eyes, ears and gloves.

import { element } from "./scan_cards.js";

/** @typedef {"ok" | "low" | "out"} Tone */

/** @type {Record<Tone, { buzz: number[], notes: [hertz: number, seconds: number][] }>} */
const SIGNALS = {
  ok: { buzz: [40], notes: [[988, 0.09]] },
  low: {
    buzz: [60, 60, 60],
    notes: [
      [523, 0.1],
      [523, 0.1],
    ],
  },
  out: {
    buzz: [220, 80, 220],
    notes: [
      [196, 0.22],
      [147, 0.3],
    ],
  },
};

/** @type {AudioContext | null} */
let sound = null;

/** @param {[number, number][]} notes */
function play(notes) {
  try {
    sound ??= new AudioContext();
    let at = sound.currentTime;
    for (const [hertz, seconds] of notes) {
      const voice = new OscillatorNode(sound, { frequency: hertz, type: "square" });
      const volume = new GainNode(sound, { gain: 0.08 });
      voice.connect(volume).connect(sound.destination);
      voice.start(at);
      voice.stop(at + seconds);
      at += seconds + 0.05;
    }
  } catch {
    // A phone without sound has the rest.
  }
}

/**
 * @param {HTMLElement} banner
 * @param {Tone} tone
 * @param {string} word
 */
export function feel(banner, tone, word) {
  banner.hidden = false;
  banner.className = `feel ${tone}`;
  // A code is read off as one: it is not broken at its hyphens.
  const parts = word.split(/([A-Z0-9]+(?:-[A-Z0-9]+)+)/);
  banner.replaceChildren(...parts.map((part, index) => (index % 2 ? element("span", {}, part) : part)));
  navigator.vibrate?.(SIGNALS[tone].buzz);
  play(SIGNALS[tone].notes);
}
