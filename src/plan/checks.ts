import type { Definition } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import { checkRules, isSeverity, type Rule, type RuleName, type Severity } from './check-rules.ts'
import { type Problem, subjectOf } from './check-subject.ts'
import type { Policy, PolicyFinding } from './policies.ts'
import type { PolicyGraph } from './policy-graph.ts'

/** What a rule has against a definition. */
export interface Finding extends Problem {
  /** The name of a built-in rule, or of a policy of the project. */
  readonly rule: string
  readonly severity: 'error' | 'warning'
}

export interface CheckOptions {
  /** Rules of the project. */
  readonly policies?: readonly Policy[]
  /** The environment that is planned for, which policies may ask for. */
  readonly environment?: string
}

/**
 * What the rules have against definitions, and those that they use; errors first, then in order of the rules. `severities`
 * changes those of single rules. Throws `INVALID_ARGUMENT` for a rule or a severity that there is not.
 */
export function checkDefinitions(
  definitions: readonly Definition[],
  severities: Readonly<Record<string, Severity>> = {},
  { policies = [], environment = '' }: CheckOptions = {},
): Finding[] {
  const builtIn = (Object.keys(checkRules) as RuleName[]).map((name) => ({ name, ...(checkRules[name] as Rule) }))
  const rules = [...builtIn, ...policies.map(ruleOf)]
  const names = rules.map(({ name }) => name)
  for (const [rule, severity] of Object.entries(severities)) {
    if (!names.includes(rule)) throw new LockstepError('INVALID_ARGUMENT', `There is no rule ${rule}${suggestion(rule, names)}`)
    if (!isSeverity(severity))
      throw new LockstepError('INVALID_ARGUMENT', `The severity of ${rule} is ${String(severity)}, not error, warning or off`)
  }
  const subject = subjectOf(definitions, environment)
  const findings = rules.flatMap(({ name, severity, find }): Finding[] => {
    const wanted = severities[name] ?? severity
    if (wanted === 'off') return []
    return find(subject).flatMap((found) => (found ? [{ rule: name, severity: wanted, ...found }] : []))
  })
  return [...findings.filter(({ severity }) => severity === 'error'), ...findings.filter(({ severity }) => severity === 'warning')]
}

function ruleOf(policy: Policy): Pick<Rule, 'severity' | 'find'> & { readonly name: string } {
  const { name, severity } = policy
  return { name, severity, find: ({ graph }) => findingsOf(policy, graph) }
}

/** Throws `INVALID_DEFINITION` where the code of a policy throws, or gives what are no findings: what it would refuse is not let by. */
function findingsOf({ name, check }: Policy, graph: PolicyGraph): Problem[] {
  const wrong = (message: string, cause?: unknown) =>
    new LockstepError('INVALID_DEFINITION', message, { where: `policy ${name}`, remedy: 'Correct its check function.', cause })
  let found: readonly PolicyFinding[]
  try {
    found = [...check(graph)]
  } catch (cause) {
    throw wrong(`Its check failed: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
  return found.map((finding) => {
    const { where, message, remedy = '' } = finding ?? {}
    if (typeof where !== 'string' || typeof message !== 'string') throw wrong('A finding of it has no where or no message')
    return { where, message, remedy }
  })
}
