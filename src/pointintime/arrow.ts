import type { NamedColumn } from './encode-arrow.ts'

export type { NamedColumn }

/** Columns of cells as one record batch in the Arrow IPC stream format. The library is loaded where it is first used. */
export async function encodeArrow(columns: readonly NamedColumn[], rows: number): Promise<Uint8Array> {
  return (await import('./encode-arrow.ts')).encodeArrow(columns, rows)
}
