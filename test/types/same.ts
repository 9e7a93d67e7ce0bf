/** True where the compiler takes two types for the same, `any` and optional members told apart. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only where both types are the same: `same<ValueOf<typeof column>, string>(true)`. */
export function same<A, B>(_verdict: Same<A, B>): void {}
