package rancher

import "errors"

var errTODO = errors.New("TODO")
