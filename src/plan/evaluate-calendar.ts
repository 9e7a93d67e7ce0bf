import { floorDivide, floorRemainder } from './exact-number.ts'
import { lift, lift2, type Operand, type RowFunction } from './operand.ts'

type One = readonly [Operand, ...Operand[]]
type Two = readonly [Operand, Operand, ...Operand[]]

const dayMicros = 86_400_000_000
const hourMicros = 3_600_000_000
const minuteMicros = 60_000_000

/** A function of the days since 1970-01-01 in UTC, for timestamps and dates; also before 1970. */
const ofDays = (operand: Operand, f: (days: number) => number): RowFunction =>
  operand.type.kind === 'date' ? lift<number>(operand, f) : lift<number>(operand, (micros) => f(floorDivide(micros, dayMicros)))

const calendar = (days: number): Date => new Date(days * 86_400_000)

export const year = ([moment]: One): RowFunction => ofDays(moment, (days) => calendar(days).getUTCFullYear())
export const month = ([moment]: One): RowFunction => ofDays(moment, (days) => calendar(days).getUTCMonth() + 1)
export const day = ([moment]: One): RowFunction => ofDays(moment, (days) => calendar(days).getUTCDate())
/** Day 0 was a Thursday, the fourth day of a week that begins on Monday. */
export const dayOfWeek = ([moment]: One): RowFunction => ofDays(moment, (days) => floorRemainder(days + 3, 7) + 1)
export const hour = ([moment]: One): RowFunction =>
  lift<number>(moment, (micros) => floorDivide(floorRemainder(micros, dayMicros), hourMicros))
export const minute = ([moment]: One): RowFunction =>
  lift<number>(moment, (micros) => floorDivide(floorRemainder(micros, hourMicros), minuteMicros))

/** Moments more than 285 years apart differ by more than 2^53 microseconds; then the difference is rounded first. */
export const secondsAfter = ([later, earlier]: Two): RowFunction => lift2<number, number>(later, earlier, (a, b) => (a - b) / 1e6)

/** Day by day, as the difference of two moments can pass 2^53. */
export const daysAfter = ([later, earlier]: Two): RowFunction =>
  lift2<number, number>(later, earlier, (a, b) => {
    const whole = floorDivide(a, dayMicros) - floorDivide(b, dayMicros)
    return floorRemainder(a, dayMicros) < floorRemainder(b, dayMicros) ? whole - 1 : whole
  })
