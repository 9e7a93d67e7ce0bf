import { extreme } from './extreme.ts'

/** The smallest value; strings by code unit, false before true, NaN after every number. Null of nothing. */
export const minimum = extreme('minimum', -1)
