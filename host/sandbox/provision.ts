import { InstanceBudgetSpent } from "./capacity.ts";
import { createInstance, type Instance, type InstanceSettings } from "./instance.ts";
import type { CallResult } from "./outcome.ts";
import type { Snapshot } from "./snapshot.ts";

/** The plugin could not be started: an initializer failed, or `configure` refused the config. */
export class ConfigureRefused extends Error {
  /** How the failing call ended. */
  readonly result: CallResult;

  constructor(result: CallResult) {
    super(result.error ?? "configure failed");
    this.name = "ConfigureRefused";
    this.result = result;
  }
}

/** Makes instances of one binding, each in the state after `configure`. */
export type Provision = {
  /** @throws ConfigureRefused, InstanceBudgetSpent, Rejected */
  create(): Promise<Instance>;
  /** The state after `configure`; null where putting it back would not be exact. */
  readonly snapshot: Snapshot | null;
};

export type ProvisionSettings = InstanceSettings & {
  /** JSON for the `configure` export; null skips it. */
  readonly configure: string | null;
  readonly limits: { readonly fuel: number; readonly deadlineMs: number };
};

/**
 * The first instance runs the initializers and `configure`; the next ones are copies of it, which is cheaper
 * than to run them again. Where a copy would not be exact (a changed table, a dropped segment) they run again.
 */
export function createProvision(settings: ProvisionSettings): Provision {
  const { prepared, limits, configure } = settings;
  let snapshot: Snapshot | null = null;

  async function start(instance: Instance): Promise<void> {
    const hasConfigure = prepared.exports.some(({ name }) => name === "configure");
    for (const initializer of prepared.initializers) await mustSucceed(instance.start(initializer, limits));
    if (configure === null || !hasConfigure) return;
    await mustSucceed(instance.call("configure", configure, limits));
  }

  return {
    get snapshot() {
      return snapshot;
    },
    async create() {
      const instance = await createInstance(settings);
      try {
        if (snapshot === null) await start(instance);
        else if (!instance.restore(snapshot))
          throw new InstanceBudgetSpent("no memory for the plugin's state");
      } catch (thrown) {
        instance.dispose();
        throw thrown;
      }
      if (prepared.reset.exact) snapshot ??= instance.snapshot();
      return instance;
    },
  };
}

async function mustSucceed(ending: Promise<CallResult>): Promise<void> {
  const result = await ending;
  if (result.outcome !== "ok") throw new ConfigureRefused(result);
}
