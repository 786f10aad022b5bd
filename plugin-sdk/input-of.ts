import type { Json } from "./abi/from-schema.ts";
import type { StageHook } from "./abi/hooks.ts";
import type { HookInput } from "./abi/input.ts";

/**
 * What a hook gets, by its name and its `reads`. What an entry names may be absent where the exchange has none: a header
 * that was not sent, a body that is no JSON. `reads` of an unknown type give everything as optional.
 */
export type InputOf<Hook extends StageHook, Reads extends string> = string extends Reads
  ? HookInput
  : Flatten<
      { readonly stage: StageOf[Hook] } & Part<"request", Reads, RequestOf<Reads>> &
        (Hook extends "pre_request" ? unknown : Part<"response", Reads, ResponseOf<Reads>>) &
        Part<"context", Reads, ContextOf<Reads>> &
        ("error" extends Reads ? ErrorOf[Hook] : unknown) &
        ("event" extends Reads ? EventOf[Hook] : unknown)
    >;

type StageOf = {
  pre_request: "pre-request";
  post_request: "post-request";
  post_request_event: "post-request";
  error: "error";
};

/** The error stage has an error for sure; a post-request hook at completion sees one where the request has failed. */
type ErrorOf = {
  pre_request: { readonly error?: never };
  post_request: { readonly error?: HookInput["error"] };
  post_request_event: { readonly error?: never };
  error: { readonly error: NonNullable<HookInput["error"]> };
};

/** Only the event hook has an event. */
type EventOf = {
  pre_request: { readonly event?: never };
  post_request: { readonly event?: never };
  post_request_event: { readonly event: NonNullable<HookInput["event"]> };
  error: { readonly event?: never };
};

/** `Name` as a member where some entry names it or something inside of it. */
type Part<Name extends string, Reads extends string, Value> = [
  Extract<Reads, Name | `${Name}.${string}` | `${Name}#${string}`>,
] extends [never]
  ? unknown
  : { readonly [K in Name]: Flatten<Value> };

type Request = NonNullable<HookInput["request"]>;
type Response = NonNullable<HookInput["response"]>;
type Context = NonNullable<HookInput["context"]>;

type RequestOf<Reads extends string> = "request" extends Reads
  ? Sure<Request, "method" | "path" | "query" | "headers">
  : Sure<Named<Request, "request", Reads>, "method" | "path" | "query" | "headers"> &
      Headers<"request", Reads> &
      Body<Reads>;

type ResponseOf<Reads extends string> = "response" extends Reads
  ? Sure<Response, "status" | "headers">
  : Sure<Named<Response, "response", Reads>, "status" | "headers"> & Headers<"response", Reads>;

type ContextOf<Reads extends string> = Sure<
  "context" extends Reads ? Context : Named<Context, "context", Reads>,
  "requestId" | "groups" | "attempt" | "tags" | "durationMs"
>;

/** Of a part the members that entries name: `request.method` is `method`. */
type Named<Whole, Root extends string, Reads extends string> = {
  readonly [K in keyof Whole as K extends string
    ? `${Root}.${K}` extends Reads
      ? K
      : never
    : never]: Whole[K];
};

/** The same with these members, where it has them, always there. */
type Sure<Whole, Names extends string> = {
  readonly [K in keyof Whole as K extends Names ? K : never]-?: Exclude<Whole[K], undefined>;
} & { readonly [K in keyof Whole as K extends Names ? never : K]: Whole[K] };

/** `request.headers.x-team` is `{ headers: { "x-team"?: string } }`. */
type Headers<Root extends string, Reads extends string> = Part<
  `headers`,
  Reads extends `${Root}.${infer Rest}` ? Rest : never,
  {
    readonly [K in Reads as K extends `${Root}.headers.${infer Name}` ? Name : never]?: string;
  }
>;

/** `request.body#/a/b` is `{ body?: { a?: { b?: Json } } }`; any of them may be something else than an object. */
type Body<Reads extends string> = [Extract<Reads, `request.body#${string}`>] extends [never]
  ? unknown
  : "request.body" extends Reads
    ? unknown
    : { readonly body?: Merged<Reads extends `request.body#/${infer Pointer}` ? Nested<Pointer> : never> };

type Nested<Pointer extends string> = Pointer extends `${infer Name}/${infer Rest}`
  ? { readonly [K in Name]?: Nested<Rest> }
  : { readonly [K in Pointer]?: Json };

/** All of a union at once. */
type Merged<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? Flatten<All>
  : never;

type Flatten<T> = { [K in keyof T]: T[K] };
