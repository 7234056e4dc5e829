/** Passwords on a real machine: what is kept of one, and the slow hash that checks it. */
export { credentialFrom, generatedPassword, type CredentialRequest } from './credential.ts';
export { NodeScrypt } from './scrypt.ts';
