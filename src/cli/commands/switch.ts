import type { Command } from 'commander'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { sessionOf } from '../session.ts'
import { tellSwitched } from '../tell-lineage.ts'
import { parseVersion } from './compare.ts'

interface SwitchCommandOptions {
  readonly force?: boolean
  readonly message?: string
}

export function addSwitch(program: Command): void {
  const command = program
    .command('switch')
    .description(
      'Makes a version of a view the one that requests get which name none. Servers follow at once; lockstep rollback goes back.',
    )
    .argument('<view>', 'VIEW')
    .argument('<version>', 'the version', parseVersion)
    .option('--force', 'also where it is a draft, or not all that it reads is in the online store; the audit log says so')
    .option('-m, --message <text>', 'why')
    .action(switchView)
  withExamples(command, ['lockstep switch ranking 2', 'lockstep switch ranking 2 --environment prod --message "an hour instead of half"'])
}

async function switchView(name: string, version: number, options: SwitchCommandOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project, actor } = session
  const { environment } = project
  const view = project.view({ name, version })
  await checkAllowed(session, 'define', [view])
  const { switchVersion } = await import('../../governance/index.ts')
  await using store = await project.open()
  const before = project.applied?.head
  const setAside: string[] = []
  const after = await switchVersion(store.registry, view, {
    environment,
    unmaterialized: await store.unmaterialized(view),
    force: options.force ?? false,
    by: actor,
    message: options.message ?? '',
    tellSetAside: (obstacles) => setAside.push(...obstacles),
  })
  for (const obstacle of setAside) output.warn(`Forced: ${obstacle}.`)
  const from = before?.current.get(name) ?? null
  if (from !== version) await tellSwitched(session, view)
  output.result({ environment, view: name, from, to: version, apply: after.apply, setAside }, () =>
    from === version
      ? `${name}@${version} is the current version of ${name} in ${environment} already.`
      : `${name} is ${name}@${version} in ${environment} now (apply ${after.apply}); it was ${name}@${from}.`,
  )
}
