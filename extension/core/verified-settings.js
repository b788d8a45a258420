/** @typedef {import("../types/messages.d.ts").Setting} Setting */

/**
 * Whether a setting was seen to work from here, and encrypts: nothing else is offered to be written down anywhere.
 *
 * @param {Pick<Setting, "verified" | "security">} setting
 */
export const isVerifiedEncrypted = ({ verified, security }) => verified && security !== "none";
