import { extreme } from './extreme.ts'

/** The largest value; strings by code unit, true after false, NaN after every number. Null of nothing. */
export const maximum = extreme('maximum', 1)
