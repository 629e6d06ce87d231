package releases

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version is a Redis version as Redis Cloud offers it: major and minor. Patch
// numbers carry no meaning there, because Redis Cloud installs the latest patch
// of the version that was chosen. The zero Version is "no version".
type Version struct{ Major, Minor int }

// Parse reads "7.2", and leniently what people and INFO write for it: "v7.2",
// " 7.2 ", "7.2.4", "8.0.0-rc1". A version without a minor number is refused,
// since "8" could be any of six.
func Parse(s string) (Version, error) {
	text := strings.TrimPrefix(strings.TrimSpace(s), "v")
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 2 {
		return Version{}, fmt.Errorf("version %q: want two numbers such as 7.2", s)
	}
	major, err := number(parts[0])
	if err != nil || major == 0 {
		return Version{}, fmt.Errorf("version %q: the major number is not one", s)
	}
	minor, err := number(parts[1])
	if err != nil {
		return Version{}, fmt.Errorf("version %q: the minor number is not one", s)
	}
	return Version{major, minor}, nil
}

// Offered returns those of the versions that people can choose, oldest first.
// Previews ("9.0-preview", "8.12.0-RC1") and what Parse cannot read are left out:
// nothing could be asked or said about them.
func Offered(versions []string) []string {
	offered := slices.DeleteFunc(slices.Clone(versions), func(s string) bool {
		_, err := Parse(s)
		return err != nil || strings.Contains(s, "-")
	})
	slices.SortFunc(offered, func(a, b string) int {
		x, _ := Parse(a)
		y, _ := Parse(b)
		return cmp.Or(x.Compare(y), cmp.Compare(a, b))
	})
	return offered
}

// number refuses signs, which strconv.Atoi would take, and anything that could
// not be a version number.
func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 10)
	return int(n), err
}

// String is the form that Redis Cloud's API and people use: "7.2".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// IsZero reports whether v is no version.
func (v Version) IsZero() bool { return v == Version{} }

// Compare is negative when v is older than w, positive when it is newer, and 0
// when they are the same: 8.10 is newer than 8.6. It fits slices.SortFunc.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor))
}

// Less reports whether v is older than w.
func (v Version) Less(w Version) bool { return v.Compare(w) < 0 }
