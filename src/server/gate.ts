import { LockstepError } from '../errors.ts'
import type { Observation } from './observation.ts'
import type { RouteRequest } from './route.ts'

/** Lets requests in: each is seen from outside, and counted for as long as it is worked on. */
export class Gate {
  readonly #observation: Observation
  readonly #most: number
  #inFlight = 0

  constructor(observation: Observation, most: number) {
    this.#observation = observation
    this.#most = most
  }

  /**
   * Counts a request until what this gives is called, with the status that it was answered with, or 499 where it was cut off. `route`: as
   * it is declared. `isOpen`: whether a server runs is told however much it has to do.
   */
  enter(request: RouteRequest, route: string, isOpen = false): (code: number) => void {
    const started = performance.now()
    if (!isOpen) this.#inFlight++
    return (code) => {
      if (!isOpen) this.#inFlight--
      this.#observation.answered(request, { route, code, seconds: (performance.now() - started) / 1000 })
    }
  }

  /** Throws `OVERLOADED` where a request that has entered is one too many. */
  refuseTooMany(): void {
    if (this.#inFlight > this.#most) throw new LockstepError('OVERLOADED', `${this.#inFlight - 1} requests are being worked on`)
  }
}
