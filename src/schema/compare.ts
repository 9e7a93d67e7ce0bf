import type { Cell } from './cell.ts'
import type { TypeData } from './type.ts'

/** Below 0, 0 or above 0 as `a` comes before, is equal to or comes after `b`. */
export type CellComparator = (a: Cell, b: Cell) => number

/**
 * The one order of cells of a type: null first, false before true, numbers by value with NaN equal to itself and after
 * every other, texts (also of structs) by UTF-16 code unit, lists and vectors by their first difference, the shorter first.
 */
export function cellComparator(type: TypeData): CellComparator {
  const compare = plainComparator(type)
  return type.nullable ? (a, b) => (a === null || b === null ? Number(b === null) - Number(a === null) : compare(a, b)) : compare
}

export const compareCell = (type: TypeData, a: Cell, b: Cell): number => cellComparator(type)(a, b)

function plainComparator(type: TypeData): CellComparator {
  switch (type.kind) {
    case 'float':
      return compareFloats as CellComparator
    case 'vector':
      return (a, b) => compareSequences(a as Float32Array, b as Float32Array, compareFloats as CellComparator)
    case 'list': {
      const compare = cellComparator(type.element as TypeData)
      return (a, b) => compareSequences(a as readonly Cell[], b as readonly Cell[], compare)
    }
    default:
      return compareValues as CellComparator
  }
}

const compareValues = (a: number | bigint, b: number | bigint): number => (a < b ? -1 : a > b ? 1 : 0)

function compareFloats(a: number, b: number): number {
  return compareValues(a, b) || Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

function compareSequences(a: ArrayLike<Cell>, b: ArrayLike<Cell>, compare: CellComparator): number {
  const shared = Math.min(a.length, b.length)
  for (let index = 0; index < shared; index++) {
    const order = compare(a[index] as Cell, b[index] as Cell)
    if (order !== 0) return order
  }
  return a.length - b.length
}
