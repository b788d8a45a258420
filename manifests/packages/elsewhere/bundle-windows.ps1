# On Windows: the bundle, its two programs signed where a certificate is named, as a zip.
# Needs Python 3.11 or later. Usage: powershell -File manifests\packages\elsewhere\bundle-windows.ps1 [-Thumbprint …]
param([string] $Thumbprint = "", [string] $Timestamp = "")
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "..\..\..")

function Invoke-Checked {
    & $args[0] @($args | Select-Object -Skip 1)
    if ($LASTEXITCODE -ne 0) { throw "$($args[0]) ended with status $LASTEXITCODE" }
}

$python = "build\venv\Scripts\python.exe"
if (-not (Test-Path $python)) { Invoke-Checked py -3 -m venv build\venv }
Invoke-Checked $python -m pip install --quiet --require-hashes --only-binary ":all:" --requirement requirements-build.lock
Invoke-Checked $python -m pip install --quiet --require-hashes --no-build-isolation --use-pep517 --requirement requirements-bundle.lock
$env:PYTHONPATH = "host"
Invoke-Checked $python -m manifests.packages bundle

$made = "build\bundle\made\poterne"
if ($Thumbprint) {
    foreach ($program in "poterne.exe", "poterne-host.exe") {
        $arguments = @("sign", "/sha1", $Thumbprint, "/fd", "SHA256")
        if ($Timestamp) { $arguments += @("/tr", $Timestamp, "/td", "SHA256") }
        Invoke-Checked signtool @arguments (Join-Path $made $program)
    }
}
$version = (Select-String -Path host\poterne\__init__.py -Pattern '^__version__ = "(.*)"$').Matches[0].Groups[1].Value
Compress-Archive -Force -Path $made -DestinationPath "dist\poterne-$version-windows.zip"
# On each machine, unpacked below %ProgramFiles%: poterne.exe install --system
