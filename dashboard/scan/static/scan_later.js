// What stands behind the first program in the page, so that a slow line brings it while hands begin: the reader of codes and the
// longer jobs (docs/adr/0032-the-phone-in-one-answer.md).

import { readCode } from "./gs1_reader.js";
import { ApproveJob } from "./job_approve.js";
import { CountJob } from "./job_count.js";
import { DeskJob } from "./job_desk.js";
import { DispatchJob } from "./job_dispatch.js";
import { DiscardJob } from "./job_open_vials.js";
import { OrderJob } from "./job_order.js";
import { PickJob } from "./job_pick.js";
import { ReceiveJob } from "./job_receive.js";
import { ReturnJob } from "./job_return.js";
import { TellJob } from "./job_tell.js";
import { complete } from "./scan.js";

/** @type {import("./scan.js").Jobs} */
const jobs = {
  receive: (desk) => new ReceiveJob(desk),
  count: (desk) => new CountJob(desk),
  discard: (desk, shift) => new DiscardJob(desk, () => shift.clock.now()),
  approve: (desk) => new ApproveJob(desk),
  pick: (desk) => new PickJob(desk),
  desk: (desk, shift) => new DeskJob(desk, shift),
  dispatch: (desk) => new DispatchJob(desk),
  confirm: (desk) => new DispatchJob(desk, "confirm"),
  order: (desk) => new OrderJob(desk),
  return: (desk) => new ReturnJob(desk),
  tell: (desk) => new TellJob(desk),
};

complete(jobs, readCode);
