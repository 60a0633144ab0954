/** A problem with a setting's text: the end of a sentence that starts with the setting's name. */
export class SettingProblem extends Error {
  override readonly name: string = 'SettingProblem';
}
