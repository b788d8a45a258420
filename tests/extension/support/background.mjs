import { HostLink } from "../../../extension/background/host-link.js";
import { RunController } from "../../../extension/background/run-controller.js";
import { FakePort } from "./fake-port.mjs";

/** The real controller on the real link, on ports that the test answers for. */
export function background(run, more = {}) {
  const ports = [];
  const runs = [];
  let ids = 0;
  const link = new HostLink({
    connect: () => ports[ports.push(new FakePort()) - 1],
    lastError: () => null,
    inUse: () => controller.busy,
    onState: (state) => controller.linkChanged(state),
    onMessage: (message) => controller.received(message),
  });
  const newId = () => String((ids += 1));
  const controller = new RunController({ link, run, newId, onRun: (next) => runs.push(next), ...more });
  return { controller, link, ports, runs };
}
