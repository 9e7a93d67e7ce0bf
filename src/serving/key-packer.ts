import type { AnyView } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { ByteWriter } from '../lib/bytes.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { GroupUse } from '../plan/index.ts'
import { type Cell, keyEncoder, toCell } from '../schema/index.ts'

/** The keys of an entity row, as a caller gives them. */
export type Keys = Readonly<Record<string, unknown>>

/** Refuses a row that names a key the view does not have, with `UNKNOWN_NAME`. */
export function checkKeyNames(view: AnyView, row: Keys): void {
  for (const name in row) {
    if (Object.hasOwn(view.keys, name)) continue
    throw new LockstepError('UNKNOWN_NAME', `The view ${view.name} has no key ${name}${suggestion(name, Object.keys(view.keys))}`)
  }
}

/** Packs what a use of a group is read by: its key columns in an entity row, or in what all rows share. Throws `MISSING_KEY` or `INVALID_VALUE`. */
export function keyPacker(view: AnyView, keys: GroupUse['keys']): (row: Keys, shared: Keys) => Uint8Array {
  const encode = keyEncoder(keys.map(({ type }) => type))
  const writer = new ByteWriter()
  return (row, shared) => {
    const cells: Cell[] = []
    for (const { name, type } of keys) {
      const value = row[name] ?? shared[name]
      if (value === undefined || value === null) {
        const remedy = `Give ${Object.keys(view.keys).join(', ')}.`
        throw new LockstepError('MISSING_KEY', `The key ${name} of the view ${view.name} is missing`, { remedy })
      }
      cells.push(toCell(type, value, `key ${name}`))
    }
    encode(cells, writer.clear())
    return writer.finish()
  }
}
