// Reads the texts of standard input with the phone's reader: [[text, today], …] in, [elements or refusal, …] out.
import { readFileSync } from "node:fs";
import { readCode } from "../../dashboard/scan/static/gs1_reader.js";

const table = JSON.parse(readFileSync(new URL("../../dashboard/scan/static/gs1_table.json", import.meta.url), "utf8"));

function answer([text, today]) {
  try {
    return readCode(table, text, today);
  } catch (error) {
    return { code: error.code ?? String(error), position: error.position };
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answer)));
