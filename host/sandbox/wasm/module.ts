/** A value type as its byte: 0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64, 0x7b v128, 0x70 funcref, 0x6f externref. */
export type ValType = number;

export type FuncType = { readonly params: readonly ValType[]; readonly results: readonly ValType[] };
export type Limits = { readonly min: number; readonly max: number | null };
export type TableType = { readonly element: ValType; readonly limits: Limits };
export type GlobalType = { readonly type: ValType; readonly mutable: boolean };

export type ImportKind =
  | { readonly kind: "func"; readonly type: number }
  | { readonly kind: "table"; readonly table: TableType }
  | { readonly kind: "memory"; readonly limits: Limits }
  | { readonly kind: "global"; readonly global: GlobalType };

export type Import = { readonly module: string; readonly name: string; readonly desc: ImportKind };
export type ExportKind = "func" | "table" | "memory" | "global";
export type Export = { readonly name: string; readonly kind: ExportKind; readonly index: number };

/** A constant expression, its bytes with the closing `end`. */
export type ConstExpr = Uint8Array;
export type Global = { readonly type: GlobalType; readonly init: ConstExpr };

/** `locals` are runs of equal types; `body` is the instructions with the closing `end`. */
export type FunctionBody = {
  readonly locals: readonly { readonly count: number; readonly type: ValType }[];
  readonly body: Uint8Array;
};

export type SegmentMode =
  | { readonly mode: "active"; readonly index: number; readonly offset: ConstExpr }
  | { readonly mode: "passive" }
  | { readonly mode: "declared" };

/** `functions` for the encodings by index, `expressions` for those by constant expression. */
export type ElementSegment = {
  readonly segment: SegmentMode;
  readonly type: ValType;
  readonly items: { readonly functions: readonly number[] } | { readonly expressions: readonly ConstExpr[] };
};
export type DataSegment = { readonly segment: SegmentMode; readonly bytes: Uint8Array };
export type CustomSection = { readonly name: string; readonly bytes: Uint8Array };

/** A decoded module. Index spaces start with the imports, as in the binary format. */
export type WasmModule = {
  readonly types: readonly FuncType[];
  readonly imports: readonly Import[];
  /** Type index of each function the module defines. */
  readonly functions: readonly number[];
  readonly tables: readonly TableType[];
  readonly memories: readonly Limits[];
  readonly globals: readonly Global[];
  readonly exports: readonly Export[];
  readonly start: number | null;
  readonly elements: readonly ElementSegment[];
  readonly dataCount: number | null;
  readonly code: readonly FunctionBody[];
  readonly data: readonly DataSegment[];
  readonly customs: readonly CustomSection[];
};
