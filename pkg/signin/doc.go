// Package signin signs people in with an OpenID Connect provider: by the code flow with PKCE, and out again,
// from here or from there.
//
// Invariants:
//   - The provider is asked when somebody signs in or out, and at no other time: while it is away, the app
//     starts, and who is signed in goes on.
//   - Each step at the provider has a deadline, and its answers a limit.
//   - Whatever comes from outside and is not right is refused with words and a way on, and is in the security
//     log.
package signin
