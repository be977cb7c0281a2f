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
}

// ReadFunc reads the files of a location and calls yield for each, one after the other. A file that cannot be read is yielded with Err, so that others are not lost; an error that is returned fails the location as a whole,
// and one that matches fs.ErrNotExist says that there is nothing. It stops when yield returns an error, and returns that.
type ReadFunc func(ctx context.Context, request ReadRequest, yield func(File) error) error

// LocationReaders is where plugins read further types of locations.
var LocationReaders = &pluginapi.Point[LocationReader, ReadFunc]{Kind: "location-reader", Timeout: 2 * time.Minute}

// ReadRequest says what to read.
type ReadRequest struct {
	Location catalogcommon.LocationRef

	// ETag returns what the last reading of a file gave as its etag, or "". If the file is still that, it can be yielded with Unchanged and without Content.
	ETag func(file catalogcommon.LocationRef) string
}

// File is a file that was read.
type File struct {
	Location  catalogcommon.LocationRef // of this file, which may be one of several that the request's location matches
	Content   []byte                    // YAML or JSON, any number of documents; not changed until yield returns
	ETag      string                    // identifies the content; empty if there is no such thing
	Unchanged bool                      // the content is that of the ETag
	Err       error                     // why it cannot be read
}
