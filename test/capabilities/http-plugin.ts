import type { TestContext } from "node:test";
import type { HostImport } from "#host/capabilities/capability.ts";
import { createHttp } from "#host/capabilities/http.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { env, type Fixture, type FixtureOptions, helpersWat, openFixture } from "#test/sandbox/fixture.ts";

export const manifest: Manifest = { name: "fixture", version: "1.0.0", abi: 1, hooks: {} };

/** What a binding with this grant gets of the `http` capability. */
export function grantHttp(http: readonly string[]): Readonly<Record<string, HostImport>> | null {
  const grants = { http: [...http], secrets: ["granted"] };
  const namespace = { tenant: null, plugin: "fixture", binding: ["fixture"] };
  const scope = { plugin: "fixture", binding: "fixture", namespace, manifest, grants };
  return createHttp({ granted: "s3cret-granted", other: "s3cret-other" }).grant(scope);
}

/**
 * A plugin whose input is the JSON for `http_request`. Its hooks send it and answer one of what came back:
 * - `body`, `status`, `headers`: without a body of its own; `status_of_post` with a body of as many bytes `x` as
 *   `posts` tells;
 * - `status_of_last`: after nine requests; `status_crowded`: with little memory left;
 * - `status_of_forged`: the JSON is at an offset that is no block.
 */
const plugin = `${env}
  (import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))
  (import "extism:host/env" "http_status_code" (func $http_status_code (result i32)))
  (import "extism:host/env" "http_headers" (func $http_headers (result i64)))
  ${helpersWat}
  (memory 1)
  (func $input (result i64) (local $b i64) (local $i i64)
    (local.set $b (call $alloc (call $input_length)))
    (block $done (loop $next
      (br_if $done (i64.ge_u (local.get $i) (call $input_length)))
      (call $store_u8 (i64.add (local.get $b) (local.get $i)) (call $input_load_u8 (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (local.get $b))
  (func $answer_status (call $answer_number (i64.extend_i32_u (call $http_status_code))))
  (func $send (result i64) (call $http_request (call $input) (i64.const 0)))
  (func (export "body") (call $answer (call $send)))
  (func (export "status") (drop (call $send)) (call $answer_status))
  (func (export "headers") (drop (call $send)) (call $answer (call $http_headers)))
  (func (export "status_of_post") (drop (call $http_request (call $input) (call $alloc (i64.const POSTS)))) (call $answer_status))
  (func (export "status_crowded") (drop (call $alloc (i64.const 33000000))) (drop (call $send)) (call $answer_status))
  (func (export "status_of_forged") (drop (call $http_request (i64.const -1) (i64.const 0x1000000000000))) (call $answer_status))
  (func (export "status_of_last") (local $left i32)
    (local.set $left (i32.const 9))
    (loop $next
      (drop (call $send))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $answer_status))
`;

export type HttpOptions = Pick<FixtureOptions, "limits"> & { readonly posts?: number };

/** The plugin with a grant for these hosts; it is closed with the test. */
export async function openHttpPlugin(
  t: TestContext,
  http: readonly string[],
  { posts = 4, ...options }: HttpOptions = {},
): Promise<Fixture> {
  const fixture = await openFixture(plugin.replace("POSTS", String(posts)), {
    ...options,
    imports: grantHttp(http) ?? {},
  });
  t.after(() => fixture.pool.close(0));
  return fixture;
}
