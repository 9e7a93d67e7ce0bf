/**
 * A value as the engine holds it. One representation per kind, so that equal values are equal bytes in every path:
 * string, oneOf: string; boolean: boolean; integer, float: number (-0 is 0); int64: bigint;
 * decimal: its scaled integer as a number (12.50 with scale 2 is 1250); timestamp: microseconds; date: days since 1970;
 * list: array of cells; vector: Float32Array; struct: canonical JSON text (keys sorted by code unit).
 */
export type Cell = string | number | boolean | bigint | Float32Array | readonly Cell[] | null
