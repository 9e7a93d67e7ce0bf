import type { Cell } from '../schema/index.ts'

/** The cell, with 0 for -0. */
export const plainCell = (cell: Cell): Cell => (typeof cell === 'number' ? cell + 0 : cell)
