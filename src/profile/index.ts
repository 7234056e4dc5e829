/**
 * Profiles: the configuration of one server, a YAML file that operators edit. Every option is said once, in the folder that obeys it;
 * here they are gathered, read, checked and frozen, and printed for profiles, manual and `lockstep options`.
 */
export { SHIPPED_SECRET } from './check.ts';
export { profileFaults, ProfileRefused, type ProfileFault } from './faults.ts';
export { homeDirectory, loadProfile, projectDirectory, type ProfileRequest } from './load.ts';
export { optionsManual, optionsText, profileText } from './print.ts';
export { leaves, profileOptions, type Profile } from './sections.ts';
