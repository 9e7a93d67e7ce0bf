import type { Command } from 'commander'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { find } from '../find.ts'
import { sessionOf } from '../session.ts'
import { collectName, type VersionedName } from '../values.ts'
import { showStatus } from './stream.ts'

export function addReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('Builds the live state of groups again from history, and goes on to the end of their topics.')
    .argument('<group...>', 'GROUP, or GROUP@VERSION', collectName)
    .action(replay)
  withExamples(command, ['lockstep replay user_clicks', 'lockstep replay user_clicks@2 item_clicks --json'])
}

async function replay(names: readonly VersionedName[], _options: object, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const groups = names.map((name) => find('group', project.catalogue.groups, name))
  await checkAllowed(session, 'write', groups)
  await using store = await project.open()
  await store.replay(groups, { warn: (error) => output.warn((error as Error).message) })
  const status = await store.streamStatus(groups)
  output.result(status, () => showStatus(output, status))
}
