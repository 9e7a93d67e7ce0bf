import type { ServerResponse } from 'node:http'
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

  /** `route`: as it is declared. Throws `OVERLOADED`, unless `isOpen`: whether a server runs is told however much it has to do. */
  enter(request: RouteRequest, response: ServerResponse, route: string, isOpen = false): void {
    const started = performance.now()
    if (!isOpen) this.#inFlight++
    // Also of requests that are cut off.
    response.on('close', () => {
      if (!isOpen) this.#inFlight--
      const code = response.writableFinished ? response.statusCode : 499
      this.#observation.answered(request, { route, code, seconds: (performance.now() - started) / 1000 })
    })
    if (!isOpen && this.#inFlight > this.#most) throw new LockstepError('OVERLOADED', `${this.#inFlight - 1} requests are being worked on`)
  }
}
