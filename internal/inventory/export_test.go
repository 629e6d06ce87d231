package inventory

// Problems are the parts of the account that the latest reading could not read;
// the entries of those parts are Stale.
func (x *Index) Problems() []Problem { return x.view.Load().problems }
