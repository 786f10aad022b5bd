import { requestLimits } from "../limits.ts";
import { Refused } from "./step-failure.ts";

/**
 * A query to be changed many times: a client may send ten thousand parameters and a plugin change a thousand, so that none of these
 * changes may go over all of them.
 */
export type QueryParameters = {
  /** Null removes. @throws Refused when the query gets too long. */
  set(name: string, value: string | null): void;
  /** With its `?`, or empty. */
  text(): string;
};

/** What the client wrote stays as it is, to the letter: readers of `+`, `%20` and a name without `=` differ. */
export function readParameters(query: string): QueryParameters {
  const parameters = query
    .slice(1)
    .split("&")
    .filter((parameter) => parameter !== "");
  const kept = new Map(parameters.entries());
  const places = Map.groupBy(kept.keys(), (place) => nameOf(parameters[place] ?? ""));
  let upcoming = parameters.length;
  let length = parameters.reduce((sum, parameter) => sum + 1 + parameter.length, 0);

  function remove(name: string): void {
    for (const place of places.get(name) ?? []) {
      length -= 1 + (kept.get(place)?.length ?? 0);
      kept.delete(place);
    }
    places.delete(name);
  }

  return {
    set(given, value) {
      const name = given.toWellFormed();
      remove(name);
      if (value === null) return;
      const parameter = `${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`;
      kept.set(upcoming, parameter);
      places.set(name, [upcoming]);
      upcoming += 1;
      length += 1 + parameter.length;
      if (length > requestLimits.headerBytes) {
        throw new Refused(`the query would have more than ${requestLimits.headerBytes} bytes`);
      }
    },
    text: () => (kept.size === 0 ? "" : `?${[...kept.values()].join("&")}`),
  };
}

function nameOf(parameter: string): string {
  if (/[%+]/.test(parameter)) return new URLSearchParams(`&${parameter}`).keys().next().value ?? "";
  const [name = ""] = parameter.split("=", 1);
  return name.toWellFormed();
}
