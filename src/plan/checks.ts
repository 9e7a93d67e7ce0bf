import type { Definition } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import { checkRules, type Rule, type RuleName, type Severity } from './check-rules.ts'
import { type Problem, subjectOf } from './check-subject.ts'

/** What a rule has against a definition. */
export interface Finding extends Problem {
  readonly rule: RuleName
  readonly severity: 'error' | 'warning'
}

const known: readonly string[] = ['error', 'warning', 'off'] satisfies readonly Severity[]

/**
 * What the rules have against definitions, and those that they use; errors first, then in order of the rules. `severities`
 * changes those of single rules. Throws `INVALID_ARGUMENT` for a rule or a severity that there is not.
 */
export function checkDefinitions(definitions: readonly Definition[], severities: Readonly<Record<string, Severity>> = {}): Finding[] {
  const names = Object.keys(checkRules) as RuleName[]
  for (const [rule, severity] of Object.entries(severities)) {
    if (!Object.hasOwn(checkRules, rule)) throw new LockstepError('INVALID_ARGUMENT', `There is no rule ${rule}${suggestion(rule, names)}`)
    if (!known.includes(severity))
      throw new LockstepError('INVALID_ARGUMENT', `The severity of ${rule} is ${String(severity)}, not error, warning or off`)
  }
  const subject = subjectOf(definitions)
  const findings = names.flatMap((rule): Finding[] => {
    const { severity, find }: Rule = checkRules[rule]
    const wanted = severities[rule] ?? severity
    if (wanted === 'off') return []
    return find(subject).flatMap((found) => (found ? [{ rule, severity: wanted, ...found }] : []))
  })
  return [...findings.filter(({ severity }) => severity === 'error'), ...findings.filter(({ severity }) => severity === 'warning')]
}
