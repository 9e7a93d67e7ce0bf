import { LockstepError } from '../errors.ts'
import { checkRules, isSeverity, type Severity } from './check-rules.ts'
import type { PolicyGraph } from './policy-graph.ts'

/** What a policy has against a definition. */
export interface PolicyFinding {
  /** The place: `feature view ranking`. */
  readonly where: string
  readonly message: string
  readonly remedy?: string
}

/** A rule of a project over all its definitions. */
export interface Policy {
  /** In words joined by `-`, as those of the built-in rules. */
  readonly name: string
  /** By default; `checks` of the project's settings changes it, and so may those of an environment. */
  readonly severity: Severity
  readonly check: (graph: PolicyGraph) => Iterable<PolicyFinding>
}

/**
 * Declares a rule of the project, for `policies` of its settings. Throws `INVALID_DEFINITION` for a name that is none, or that of a
 * built-in rule, and for a severity that is none.
 */
export function policy(options: Policy): Policy {
  const where = `policy ${options.name}`
  if (!/^[a-z]+(-[a-z0-9]+)*$/.test(options.name))
    throw new LockstepError('INVALID_DEFINITION', `The name of a policy is words in lower case joined by -, not ${options.name}`, { where })
  if (Object.hasOwn(checkRules, options.name))
    throw new LockstepError('INVALID_DEFINITION', `There is a built-in rule ${options.name}`, { where })
  if (!isSeverity(options.severity))
    throw new LockstepError('INVALID_DEFINITION', `The severity is ${String(options.severity)}, not error, warning or off`, { where })
  return Object.freeze({ ...options })
}
