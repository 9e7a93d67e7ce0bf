/** `npm run audit:check`: fails where the registry knows a grave weakness of what the package installs; passes where it cannot be asked. */
import { run } from './run.ts'
import { root } from './workspace.ts'

interface Audit {
  readonly metadata?: { readonly vulnerabilities: Readonly<Record<string, number>> }
  readonly vulnerabilities?: Readonly<Record<string, { readonly name: string; readonly severity: string; readonly range: string }>>
}

const { stdout } = await run('npm', ['audit', '--json', '--omit=dev', '--fetch-retries=0', '--fetch-timeout=20000'], {
  cwd: root,
  timeoutSeconds: 60,
})
const audit = read(stdout)
if (audit.metadata === undefined) console.log('audit: the registry gives no answer; nothing was checked')
else {
  const grave = Object.values(audit.vulnerabilities ?? {}).filter(({ severity }) => severity === 'high' || severity === 'critical')
  for (const { name, severity, range } of grave) console.error(`audit: ${name} ${range} has a weakness that is ${severity}`)
  console.log(`audit: ${grave.length} grave weaknesses`)
  process.exitCode = grave.length > 0 ? 1 : 0
}

function read(text: string): Audit {
  try {
    return JSON.parse(text) as Audit
  } catch {
    return {}
  }
}
