// Capability `http`: to the hosts that the binding's grant lists.

import { blockOf, blockOfBytes, bytesOf, none, textOf } from "./blocks";
import { Json } from "./json";

@external("extism:host/env", "http_request")
declare function httpRequest(request: u64, body: u64): u64;
@external("extism:host/env", "http_status_code")
declare function httpStatusCode(): i32;
@external("extism:host/env", "http_headers")
declare function httpHeaders(): u64;
@external("extism:host/user", "http_request_all")
declare function httpRequestAll(requests: u64, bodies: u64): u64;

export class HttpResponse {
  constructor(
    /** 0 when the request was refused or failed; the log says why. */
    readonly status: i32,
    /** By lower-case name. */
    readonly headers: Json,
    readonly body: Uint8Array,
    /** Of `requestAll`, where the status is 0: `refused`, `limit`, `timeout` or `failed`. */
    readonly error: string = "",
  ) {}

  text(): string {
    return String.UTF8.decode(this.body.buffer);
  }

  json(): Json {
    return Json.parse(this.body);
  }
}

/** `request`: `{"url", "method", "headers", "timeoutMs"}` as JSON. */
export function request(request: string, body: Uint8Array | null = null): HttpResponse {
  const answer = bytesOf(httpRequest(blockOf(request), body === null ? none : blockOfBytes(body)));
  const headers = textOf(httpHeaders());
  return new HttpResponse(httpStatusCode(), Json.text(headers === null ? "{}" : headers), answer);
}

/** All at once, each as for `request`; the answers in the same order. `bodies`: of each, empty for none; or no list at all. */
export function requestAll(requests: string[], bodies: Uint8Array[] = []): HttpResponse[] {
  const heads: string[] = [];
  let sum = 0;
  for (let i = 0; i < requests.length; i++) {
    const bytes = i < bodies.length ? bodies[i].length : 0;
    heads.push(requests[i].trimEnd().slice(0, -1) + ',"bodyBytes":' + bytes.toString() + "}");
    sum += bytes;
  }
  const sent = new Uint8Array(sum);
  for (let i = 0, at = 0; i < requests.length && i < bodies.length; i++) {
    sent.set(bodies[i], at);
    at += bodies[i].length;
  }
  const answers = bytesOf(httpRequestAll(blockOf("[" + heads.join(",") + "]"), blockOfBytes(sent)));
  const end = answers.indexOf(10);
  const list = Json.parse(answers.slice(0, end < 0 ? 0 : end)).items();
  const found: HttpResponse[] = [];
  let at = end + 1;
  for (let i = 0; i < list.length; i++) {
    const head = list[i];
    const bytes = <i32>head.get("bodyBytes").integer(0);
    const body = answers.slice(at, at + bytes);
    at += bytes;
    found.push(
      new HttpResponse(<i32>head.get("status").integer(0), head.get("headers"), body, head.get("error").string("")),
    );
  }
  return found;
}
