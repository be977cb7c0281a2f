package pluginapi

import "context"

// Principal is who acts: the user of a request, or a plugin in its tasks, workers and start hooks. It is a value; treat Owns as read-only.
type Principal struct {
	Kind PrincipalKind
	Ref  string   // of a user: its entity ref, such as user:default/guest; of a plugin: plugin:hello
	Owns []string // refs of what the user owns things as: itself and its groups; empty for plugins
}

// PrincipalKind tells users from plugins.
type PrincipalKind string

// The kinds of principal. The zero value is nobody.
const (
	UserPrincipal   PrincipalKind = "user"
	PluginPrincipal PrincipalKind = "plugin"
)

// Guest is the user of a portal without sign-in.
func Guest() Principal {
	return Principal{Kind: UserPrincipal, Ref: "user:default/guest", Owns: []string{"user:default/guest"}}
}

// PluginSelf is the principal of the plugin with the given id.
func PluginSelf(id string) Principal { return Principal{Kind: PluginPrincipal, Ref: "plugin:" + id} }

// IsZero reports whether p is nobody.
func (p Principal) IsZero() bool { return p.Kind == "" }

type principalKey struct{}

// WithPrincipal returns a context in which p acts. It is for hosts and tests; a plugin that wants to act as itself uses [Self.As].
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns who acts in ctx. The zero Principal is nobody, and nobody is denied everything.
func PrincipalFrom(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
