// Capability `http`: to the hosts that the binding's grant lists.

import { blockOf, blockOfBytes, bytesOf, none, textOf } from "./blocks";
import { Json } from "./json";

@external("extism:host/env", "http_request")
declare function httpRequest(request: u64, body: u64): u64;
@external("extism:host/env", "http_status_code")
declare function httpStatusCode(): i32;
@external("extism:host/env", "http_headers")
declare function httpHeaders(): u64;

export class HttpResponse {
  constructor(
    /** 0 when the request was refused or failed; the log says why. */
    readonly status: i32,
    /** By lower-case name. */
    readonly headers: Json,
    readonly body: Uint8Array,
  ) {}

  text(): string {
    return String.UTF8.decode(this.body.buffer);
  }

  json(): Json {
    return Json.parse(this.body);
  }
}

/** `request`: `{"url", "method", "headers"}` as JSON. */
export function request(request: string, body: Uint8Array | null = null): HttpResponse {
  const answer = bytesOf(httpRequest(blockOf(request), body === null ? none : blockOfBytes(body)));
  const headers = textOf(httpHeaders());
  return new HttpResponse(httpStatusCode(), Json.text(headers === null ? "{}" : headers), answer);
}
