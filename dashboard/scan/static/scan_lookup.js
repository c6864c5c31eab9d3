// Looking a code up: what is it, is it good, how much is here and where. The phone says at once what it knows itself; the
// server's word follows, and where there is no network the question waits for it (scan_queue.js).

import { card, element, TONES, the } from "./scan_cards.js";
import { factsOf, momentOf, nameOf, placeName, toneOf, undoneOf, whyOf } from "./scan_desk.js";
import { posting, Queue } from "./scan_queue.js";

/**
 * @typedef {import("./scan_cards.js").Meaning} Meaning
 * @typedef {import("./scan_cards.js").Fact} Fact
 * @typedef {import("./scan_cards.js").Cards} Cards
 * @typedef {import("./scan_feel.js").Tone} Tone
 * @typedef {import("./scan_desk.js").Desk} Desk
 * @typedef {import("./scan_desk.js").Read} Read
 * @typedef {import("./scan_queue.js").Scan} Scan
 * @typedef {{ items: Meaning[], refused: { text?: string, message?: string, message_id?: string }[] }} Meanings
 * @typedef {{ detail: string }} Problem
 */

export class Lookup {
  /**
   * @param {Cards} cards
   * @param {string} user
   * @param {() => Record<string, string>} headers
   * @param {() => string} facility
   * @param {(tone: Tone, word: string) => void} feel
   */
  constructor(cards, user, headers, facility, feel) {
    this.feel = feel;
    /** @type {Tone | null} how the scan in sight was felt */
    this.tone = null;
    this.cards = cards;
    this.headers = headers;
    this.facility = facility;
    this.result = the("result", HTMLElement);
    /** @type {string | null} the scan whose answer is awaited in sight */
    this.watched = null;
    /** @type {Node | null} what the phone itself said of it */
    this.own = null;
    /** @type {Node | null} why a shipment in sight was not received after all, which the server's word leaves out */
    this.undone = null;
    this.drawing = Promise.resolve();
    this.queue = new Queue(user, posting(headers), (scan) => {
      if (scan && scan.id === this.watched && scan.state !== "sending") this.showScan(scan);
      this.drawing = this.drawing.then(
        () => this.draw(),
        () => this.draw(),
      );
    });
  }

  async draw() {
    const { own, others } = await this.queue.mine();
    const waiting = own.filter((scan) => scan.state === "waiting" || scan.state === "sending").length;
    the("pending-text", HTMLElement).textContent = waiting
      ? this.cards.say("say.waiting").replace("{n}", String(waiting))
      : this.cards.say("say.none");
    the("pending", HTMLElement).classList.toggle("warn", waiting > 0);
    the("send", HTMLButtonElement).hidden = waiting === 0;
    const foreign = the("others", HTMLElement);
    foreign.hidden = others === 0;
    foreign.textContent = this.cards.say("say.others").replace("{n}", String(others));
    the("queue-card", HTMLElement).hidden = own.length === 0;
    the("queue", HTMLElement).replaceChildren(
      ...own.reverse().map((scan) => this.cards.line(scan, () => this.queue.drop(scan.id))),
    );
  }

  /** @param {Scan} scan */
  showScan(scan) {
    if (scan.state === "answered") {
      this.agree(/** @type {Meaning} */ (scan.answer));
      this.show(this.undone, this.cards.meaning(/** @type {Meaning} */ (scan.answer), this.checkIn(scan.text)));
    } else if (scan.state === "refused") this.show(this.refusal(/** @type {Problem} */ (scan.answer), scan.text));
    else if (scan.why) {
      const words = [this.cards.say(`why.${scan.why}`), ...(scan.unsaved ? [this.cards.say("say.unsaved")] : [])];
      this.show(this.own, card(scan.unsaved ? "out" : "low", words.join(" "), [[null, scan.text]]));
    }
  }

  /** The server knows more: where its verdict is another than the phone's, it is felt, too. @param {Meaning} body */
  agree(body) {
    const tone = TONES[body.verdict];
    if (this.tone && this.tone !== tone) this.feel(tone, this.cards.heading(body));
    this.tone = tone;
  }

  /**
   * @param {Desk} desk
   * @param {Read} read
   */
  async scanned(desk, read) {
    this.watched = null;
    this.tone = this.undone = null;
    this.own = this.known(desk, read);
    if (this.own) this.show(this.own);
    const scan = await this.queue.add(read.text, this.facility() || null);
    this.watched = scan.id;
    this.showScan(scan);
  }

  /**
   * What the phone knows of it without a network; null where it knows nothing.
   * @param {Desk} desk
   * @param {Read} read
   */
  known(desk, read) {
    const { holdings } = desk;
    const shipment = (read.scan?.sscc && holdings.shipmentOfBox(read.scan.sscc)) || holdings.shipmentOfCode(read.text);
    if (shipment) return this.knownShipment(desk, shipment);
    if (!read.scan) {
      desk.feel("out", read.error);
      return null;
    }
    const batch = desk.holdings.batchOf(read.scan);
    if (!batch) return null;
    const judged = desk.holdings.judge(batch, desk.today);
    const tone = toneOf(judged);
    const verdict = desk.say(tone === "ok" ? "job.good" : `verdict.${judged.verdict}`);
    this.tone = tone;
    desk.feel(tone, `${verdict}: ${nameOf(desk, batch)}`);
    /** @type {Fact[]} */
    const lying = desk.holdings
      .lying(batch.id)
      .map((row) => [placeName(desk, row.place), `${row.vials} ${desk.say(`status.${row.status}`)}`]);
    const made = card(
      tone,
      `${verdict}: ${nameOf(desk, batch)}`,
      [[null, factsOf(desk, batch)], ...lying],
      whyOf(desk, judged) ? [whyOf(desk, judged)] : [],
    );
    made.append(
      element(
        "p",
        { class: "hint" },
        desk.say("job.by_phone", { at: momentOf(desk, desk.holdings.held?.as_of ?? "") }),
      ),
    );
    return made;
  }

  /**
   * @param {Desk} desk
   * @param {import("./holdings.js").Shipment} shipment
   */
  knownShipment(desk, shipment) {
    const { code, state, from_name: from, to_name: to } = shipment;
    const undone = undoneOf(desk, shipment);
    const heading = `${desk.say("thing.shipment")}: ${code}`;
    this.tone = "ok";
    this.undone = undone ? element("p", { class: "note warn" }, undone) : null;
    desk.feel(undone ? "low" : "ok", heading);
    const facts = /** @type {Fact[]} */ ([
      [null, desk.say("job.road", { from, to })],
      [desk.say("say.state"), desk.say(`state.${state}`)],
    ]);
    return card("ok", heading, facts, undone ? [undone] : []);
  }

  async sendAll() {
    await this.queue.sendAll();
    const { own } = await this.queue.mine();
    const seen = own.find((scan) => scan.id === this.watched);
    if (seen) this.showScan(seen);
  }

  async waits() {
    const { own } = await this.queue.mine();
    return own.some((scan) => scan.state === "waiting");
  }

  /**
   * Whoever shows a ticket at the door has arrived: one tap.
   * @param {string} text
   * @returns {(body: Meaning) => Node | null}
   */
  checkIn(text) {
    return (body) => {
      const facility = body.opens?.facility;
      if (body.opens?.thing !== "ticket" || !facility || /^https?:/.test(text)) return null;
      const button = element("button", { type: "button" }, this.cards.say("say.arrived"));
      button.addEventListener("click", async () => {
        button.setAttribute("disabled", "");
        try {
          const answer = await fetch("/api/v1/tickets/check-in", {
            method: "POST",
            headers: { "Content-Type": "application/json", Accept: "application/json", ...this.headers() },
            body: JSON.stringify({ ticket: text.replace(/^\][A-Za-z]\w/, ""), facility }),
          });
          const said = await answer.json();
          this.show(answer.ok ? card("ok", this.cards.say("state.arrived"), []) : card("out", said.detail, []));
        } catch {
          button.removeAttribute("disabled");
          this.show(card("low", this.cards.say("say.not_sent"), []));
        }
      });
      return button;
    };
  }

  /**
   * @param {Problem} body
   * @param {string} text
   */
  refusal(body, text) {
    return card("out", this.cards.say("say.failed"), [[null, text]], [body.detail]);
  }

  /** @param {(Node | null)[]} nodes */
  show(...nodes) {
    the("hasil-kartu", HTMLElement).hidden = false;
    this.result.replaceChildren(.../** @type {Node[]} */ (nodes.filter(Boolean)));
    navigator.vibrate?.(60);
  }

  /**
   * A photo is read by the server; what it holds goes where scans go.
   * @param {File} file
   * @param {(text: string) => boolean} take for a job at hand; false where there is none
   */
  async photographed(file, take) {
    const form = new FormData();
    form.append("file", file);
    if (this.facility()) form.append("facility", this.facility());
    try {
      const answer = await fetch("/api/v1/scans/image", { method: "POST", headers: this.headers(), body: form });
      const body = await answer.json();
      if (!answer.ok) return this.show(this.refusal(body, file.name));
      const texts = /** @type {Meanings} */ (body).items.map((item) => item.scan.text);
      if (!texts.length || !texts.every(take)) this.showAll(body, file.name);
    } catch {
      // A photo is not kept: it is taken again.
      this.show(card("low", this.cards.say("say.photo_not_sent"), [[null, file.name]]));
    }
  }

  /**
   * What a photo held: all that was read, and what was not.
   * @param {Meanings} body
   * @param {string} name of the photo
   */
  showAll({ items, refused }, name) {
    const read = items.map((each) => this.cards.meaning(each, this.checkIn(each.scan.text)));
    const said = document.documentElement.lang === "id" ? "message_id" : "message";
    const not = refused.map((each) => this.refusal({ detail: each[said] ?? "" }, each.text ?? name));
    this.show(
      ...(read.length + not.length ? [...read, ...not] : [card("out", this.cards.say("say.nothing"), [[null, name]])]),
    );
  }
}
