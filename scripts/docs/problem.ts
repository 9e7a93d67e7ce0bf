/** Something wrong on a page, at a line counted from 1. */
export interface Problem {
  readonly page: string
  readonly line: number
  readonly message: string
}
