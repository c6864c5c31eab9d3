// What the scripts of the pages meet and TypeScript does not know: plotly.js, what only some browsers have, our own event.

/** The part of plotly.js that chart.js uses; the library itself comes from the plotly wheel. */
declare const Plotly: {
  register(locale: object): void;
  react(box: HTMLElement, data: object[], layout: PlotLayout, config: object): Promise<void>;
};

/** What chart.js reads and changes of a figure's layout. */
interface PlotLayout {
  height?: number;
  uirevision?: string;
  hoverlabel?: Record<string, unknown>;
  map?: { style?: string | { sprite?: string } };
}

/** A box that plotly.js has drawn into. */
interface PlottedBox extends HTMLElement {
  on(event: "plotly_click", act: (event: PlotClick) => void): void;
}

interface PlotClick {
  points?: { customdata?: unknown }[];
}

/** Chromium's Network Information API. */
interface Line {
  saveData?: boolean;
  effectiveType?: "slow-2g" | "2g" | "3g" | "4g";
}

interface Navigator {
  readonly connection?: Line;
}

/** The Shape Detection API, where a browser has it. */
declare class BarcodeDetector {
  constructor(options: { formats: string[] });
  static getSupportedFormats(): Promise<string[]>;
  detect(image: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}

interface DocumentEventMap {
  /** Something happened in these rooms; "*" is any. Sent by live.js. */
  "rantai:changed": CustomEvent<{ rooms: string[] }>;
}
