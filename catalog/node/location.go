package catalognode

import (
	"context"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// LocationReader is the spec of a location reader.
type LocationReader struct {
	Type string // of the locations that it reads, such as s3; one that the catalog reads itself is replaced

	// Registrable says that everybody who may register locations may do so with this type, and that Location entities that come from elsewhere may lead to it: the reader is safe with any target. Otherwise only the configuration
	// and the portal's plugins can name such locations.
	Registrable bool
}

// ReadFunc reads what a location's target stands for, which is several files when it is a pattern. A file that cannot be read has Err, so that others are not lost; an error that is returned fails the location as a whole,
// and one that matches fs.ErrNotExist says that there is nothing.
type ReadFunc func(ctx context.Context, request ReadRequest) (ReadResult, error)

// LocationReaders is where plugins read further types of locations.
var LocationReaders = &pluginapi.Point[LocationReader, ReadFunc]{Kind: "location-reader", Timeout: 2 * time.Minute}

// ReadRequest says what to read.
type ReadRequest struct {
	Location catalogcommon.LocationRef
	ETag     string // of an earlier result for the same location; empty to read in any case
}

// ReadResult is what was read.
type ReadResult struct {
	Files       []File // in the order of their targets; at least one unless NotModified
	ETag        string // of the whole; empty if the source has none
	NotModified bool   // the whole is what it was when the request's ETag was given; Files is then empty
}

// File is a file that was read.
type File struct {
	Target string // where it is, in the form of a location's target
	Text   []byte // YAML or JSON, any number of documents
	Err    error  // why it could not be read; Text is then nil
}
