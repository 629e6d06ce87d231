package cloud

import "context"

// Class says how urgent the requests of a context are. The limiter leaves a part
// of its burst to every class above; the zero value is ClassPerson.
type Class int

// The classes. Where requests are short, a higher one is served first:
// ClassRestore, ClassWork, ClassCheck, ClassPerson, ClassRefresh.
const (
	ClassPerson  Class = iota // somebody looks something up
	ClassRefresh              // the index is read again
	ClassCheck                // an approved session is checked, a finished one watched
	ClassWork                 // work that has begun
	ClassRestore              // a revert past its delete: the database is away
)

type classKey struct{}

// WithClass returns a context whose requests are of this class.
func WithClass(ctx context.Context, c Class) context.Context {
	return context.WithValue(ctx, classKey{}, c)
}

// ClassOf is the class of a context's requests.
func ClassOf(ctx context.Context) Class {
	c, _ := ctx.Value(classKey{}).(Class)
	return c
}
